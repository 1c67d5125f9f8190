"""Sensor price list.csv: twenty-five articles."""

from pathlib import Path

PRICE_LIST = """\
article,name,price_eur,stock,lead_time_days
LK-W110,Cup anemometer,184.00,62,5
LK-W120,Cup anemometer heated,268.00,31,7
LK-W210,Wind vane,146.00,48,5
LK-W310,Ultrasonic wind sensor,890.00,9,21
LK-W320,Ultrasonic wind sensor with heating,1140.00,4,28
LK-T100,Air temperature probe,58.00,140,3
LK-T110,Air temperature probe with cable 10 m,71.00,85,3
LK-T200,Soil temperature probe,64.00,77,4
LK-T300,Water temperature probe,92.00,26,8
LK-H100,Humidity sensor,119.00,58,5
LK-H150,Humidity and temperature sensor,165.00,44,5
LK-P100,Barometer,132.00,39,6
LK-P200,Barometer for high altitude,215.00,12,14
LK-R100,Tipping bucket rain gauge,242.00,35,6
LK-R150,Rain gauge heater,98.00,18,10
LK-R300,Snow depth sensor,615.00,7,18
LK-S100,Global radiation sensor,328.00,15,12
LK-S200,Ultraviolet sensor,276.00,11,12
LK-M100,Soil moisture probe,118.00,93,4
LK-M200,Leaf wetness sensor,87.00,51,4
LK-V100,Visibility sensor,1980.00,2,42
LK-D100,Data logger with 8 channels,540.00,23,9
LK-D200,Data logger with 16 channels,780.00,14,9
LK-A100,Radiation shield,46.00,120,3
LK-A300,Aluminium mast 6 m,395.00,10,15
"""


def make(path: Path) -> None:
    path.write_bytes(PRICE_LIST.encode())
